"""The YAML configuration as frozen dataclasses, one section per package."""
