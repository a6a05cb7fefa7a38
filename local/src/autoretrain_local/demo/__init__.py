"""The product's main job, shown in one command on real market prices."""
