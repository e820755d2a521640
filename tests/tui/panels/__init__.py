"""Tests of panels: prompt, help, explanations, queries, editors, figures."""
