"""contextprune.scoring"""
