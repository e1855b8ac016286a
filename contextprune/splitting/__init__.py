"""contextprune.splitting"""
