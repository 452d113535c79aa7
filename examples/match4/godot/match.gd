extends Node2D
# The match: the server spawns players and waves, and counts down.

var seconds_left := 0:
	set(value):
		seconds_left = value
		$Time.text = str(value)
