"""The rules behind a decision: who is present, what a case needs, what a letter must say."""
