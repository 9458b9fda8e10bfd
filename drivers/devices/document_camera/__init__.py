"""Document cameras (高拍仪): V4L2 devices that give JPEG pictures."""
