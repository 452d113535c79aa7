extends Node2D
# A player. The server moves it; its direction is sent by the client whose id is its name.

var direction := Vector2()

func _enter_tree() -> void:
	$Input.set_multiplayer_authority(name.to_int())
	$Input.set_visibility_for(1, true)  # the server alone: others may not have loaded the scene

func _physics_process(_delta: float) -> void:
	if $Input.is_multiplayer_authority():
		direction = Input.get_vector("ui_left", "ui_right", "ui_up", "ui_down")

func _draw() -> void:
	draw_circle(Vector2(), 16, Color.GOLD if $Input.is_multiplayer_authority() else Color.CORNFLOWER_BLUE)
