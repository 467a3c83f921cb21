"""The handlers of routes, by what they are about; each file has its rows of the route table."""
