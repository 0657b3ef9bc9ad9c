"""The set-up page: registers the App with GitHub, for whoever has the one-time token from the server's log."""
