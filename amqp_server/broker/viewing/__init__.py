"""What views show, by what it is about; ``broker.views`` has all of them."""
