"""The look both programs share: components, tokens, words."""
