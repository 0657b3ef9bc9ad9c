"""Every sentence that we write to people and to agents. Pure."""
