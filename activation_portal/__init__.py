"""The User Activation Portal: pages and forms, no rules of its own."""
