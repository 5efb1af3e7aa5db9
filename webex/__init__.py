"""The wire: Webex's REST API and BroadWorks' Xsi-Actions. No models, no queue."""
