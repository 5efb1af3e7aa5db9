"""The ground: requests, errors, logs, throttles, forms and template tags."""
