"""What reads an item's text: the protocol of text classifiers, and the one that comes with the house."""
