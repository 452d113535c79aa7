extends Node2D
# A player of the arena: sends its direction and shows the state of the server, which runs the game.
#
#   godot --path examples/arena4/godot -- --server=ws://127.0.0.1:3000/ws4 --name=Ann
#
# With --bot it chases the coin without a window, and when the round ends it prints its state and quits.

const COLORS = [Color.TOMATO, Color.CORNFLOWER_BLUE, Color.GOLD, Color.MEDIUM_SEA_GREEN, Color.ORCHID]

var is_bot := "--bot" in OS.get_cmdline_user_args()
var tick := 0
# Positions by player id.
var players := {}
var coin_position := Vector2()
# [name, score] by player id.
var points := {}

func _ready() -> void:
	multiplayer.connection_failed.connect(leave.bind("disconnected"))
	multiplayer.server_disconnected.connect(leave.bind("disconnected"))
	multiplayer.connected_to_server.connect(func(): join.rpc_id(1, option("name", "anonymous")))
	var peer := WebSocketMultiplayerPeer.new()
	peer.create_client(option("server", "ws://127.0.0.1:3000/ws4"))
	multiplayer.multiplayer_peer = peer

func _physics_process(_delta: float) -> void:
	if players.has(me()):
		steer.rpc_id(1, toward_coin() if is_bot else Input.get_vector("ui_left", "ui_right", "ui_up", "ui_down"))

func toward_coin() -> Vector2:
	var offset: Vector2 = coin_position - players[me()]
	return offset.normalized() if offset.length() > 1 else Vector2()

# Functions of the server. They must be declared here too, as method ids depend on the list of names.

@rpc("any_peer") func join(_player_name: String) -> void: pass
@rpc("any_peer") func steer(_direction: Vector2) -> void: pass

# Called by the server only, which is the authority of the node.

@rpc func state(now: int, ids: PackedInt32Array, positions: PackedVector2Array) -> void:
	tick = now
	players.clear()
	for i in ids.size():
		players[ids[i]] = positions[i]
	queue_redraw()

@rpc func coin(where: Vector2) -> void:
	coin_position = where

@rpc func scores(value: Dictionary) -> void:
	points = value
	var lines := PackedStringArray()
	for score in points.values():
		lines.append("%s  %d" % score)
	$Scores.text = "\n".join(lines)

@rpc func over() -> void:
	$Scores.text += "\n\nGame over"
	if is_bot:
		leave("STATE " + Marshalls.variant_to_base64([tick, players, coin_position, points]))

# Drawing

func _draw() -> void:
	draw_circle(coin_position, 8, Color.YELLOW)
	for id in players:
		draw_circle(players[id], 16, COLORS[id % COLORS.size()])
		if id == me():
			draw_arc(players[id], 20, 0, TAU, 32, Color.WHITE, 2)

func leave(message: String) -> void:
	print(message)
	get_tree().quit()

func me() -> int:
	return multiplayer.get_unique_id()

func option(option_name: String, default: String) -> String:
	for argument in OS.get_cmdline_user_args():
		if argument.begins_with("--%s=" % option_name):
			return argument.split("=", true, 1)[1]
	return default
