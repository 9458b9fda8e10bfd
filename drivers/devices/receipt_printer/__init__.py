"""Slip printer: ESC/POS with Chinese, over TCP or a serial line."""
