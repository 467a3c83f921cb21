"""What needs a hand: found while counters are looked at, and ready when somebody asks."""
