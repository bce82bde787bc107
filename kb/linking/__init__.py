"""The links and pictures of articles: found in their text, followed, and told of where they lead nowhere."""
