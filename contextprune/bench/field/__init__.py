"""Outputs of many tools as people have them: is every line that the goal needs still there?"""
