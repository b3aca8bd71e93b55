"""What the settings are made of: frozen mappings, rules for values, the table of presets, and the environment variables."""
