"""Tests of the jobs screen."""
