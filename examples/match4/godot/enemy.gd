extends Node2D
# An enemy; it fades as it loses its hit points.

var hp := 10:
	set(value):
		hp = value
		modulate.a = hp / 10.0

func _draw() -> void:
	draw_circle(Vector2(), 12, Color.TOMATO)
