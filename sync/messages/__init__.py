"""Message kinds and directives: what an entry and a mailbox letter mean."""
