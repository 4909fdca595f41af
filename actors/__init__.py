"""The core: actors, mailboxes and the dispatcher. It stands alone and imports no other folder."""
