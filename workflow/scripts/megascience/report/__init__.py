"""Report: tables and figures, and the checks that rows add up; reads results, computes no science."""
