"""Where SQL is spoken: rows in, values out."""
