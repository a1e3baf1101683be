"""Measure how well speakers are told apart: trials, metrics, reports."""
