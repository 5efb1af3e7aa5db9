"""The pages about onboarding templates."""
