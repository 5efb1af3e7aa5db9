"""Activation: one user's run of the portal, from sign-in to confirmation, and its mails."""
