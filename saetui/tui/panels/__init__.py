"""What opens over a screen: prompt, help, explanations, queries, editors."""
