"""Federation as definitions: upstreams, and how the links to them are."""
