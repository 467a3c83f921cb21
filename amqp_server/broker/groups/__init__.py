"""Groups of subscriptions of which one reads (single active consumer), on one node or several."""
