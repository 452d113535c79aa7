extends Node2D
# A player of the arena: sends its direction and shows the state of the server, which runs the game.
#
#   godot --path examples/arena/godot --server=ws://127.0.0.1:3000/ws --name=Ann
#
# With --bot it chases the coin without a window, and when the round ends it prints its state and quits.

const COLORS = [Color.tomato, Color.cornflower, Color.gold, Color.mediumseagreen, Color.orchid]

var is_bot = "--bot" in OS.get_cmdline_args()
var tick = 0
# Positions by player id.
var players = {}
# The server is the network master of the node; only the master can set and call puppet members.
puppet var coin = Vector2()
# [name, score] by player id.
puppet var scores = {} setget set_scores

func _ready():
	for signal_name in ["connection_failed", "server_disconnected"]:
		get_tree().connect(signal_name, self, "leave", ["disconnected"])
	get_tree().connect("network_peer_connected", self, "peer_connected")
	var client = WebSocketClient.new()
	client.connect_to_url(option("server", "ws://127.0.0.1:3000/ws"), PoolStringArray(), true)
	get_tree().network_peer = client

# The server, at first or again: in a cluster another node may have become the server of the room.
func peer_connected(id):
	if id == 1:
		rpc_id(1, "join", option("name", "anonymous"))

func _physics_process(_delta):
	if players.has(me()):
		rpc_unreliable_id(1, "steer", toward_coin() if is_bot else from_keys())

func toward_coin():
	var offset = coin - players[me()]
	return offset.normalized() if offset.length() > 1 else Vector2()

func from_keys():
	return Vector2(
		Input.get_action_strength("ui_right") - Input.get_action_strength("ui_left"),
		Input.get_action_strength("ui_down") - Input.get_action_strength("ui_up"))

# Called by the server

puppet func state(now, ids, positions):
	tick = now
	players.clear()
	for i in range(ids.size()):
		players[ids[i]] = positions[i]
	update()

func set_scores(value):
	scores = value
	var lines = PoolStringArray()
	for score in scores.values():
		lines.append("%s  %d" % score)
	$Scores.text = lines.join("\n")

puppet func over():
	$Scores.text += "\n\nGame over"
	if is_bot:
		leave("STATE " + Marshalls.variant_to_base64([tick, players, coin, scores]))

# Drawing

func _draw():
	draw_circle(coin, 8, Color.yellow)
	for id in players:
		draw_circle(players[id], 16, COLORS[id % COLORS.size()])
		if id == me():
			draw_arc(players[id], 20, 0, TAU, 32, Color.white, 2)

func leave(message):
	print(message)
	get_tree().quit()

func me():
	return get_tree().get_network_unique_id() if get_tree().has_network_peer() else 0

func option(name, default):
	for argument in OS.get_cmdline_args():
		if argument.begins_with("--%s=" % name):
			return argument.split("=", true, 1)[1]
	return default
