extends Node2D
# A player with a square, which it moves and shows to all others. The server only relays.
#
#   godot --path examples/relay/godot --server=ws://127.0.0.1:3000/ws --name=Ann
#
# With --bot it runs in a circle without a window.

const SPEED = 240

var is_bot = "--bot" in OS.get_cmdline_args()
var seconds = 0.0
var position_of_mine = Vector2(512, 300)
# Names and positions of the others by id.
var names = {}
var positions = {}

func _ready():
	for signal_name in ["connection_failed", "server_disconnected"]:
		get_tree().connect(signal_name, self, "quit", [signal_name])
	get_tree().connect("network_peer_connected", self, "peer_connected")
	get_tree().connect("network_peer_disconnected", self, "peer_disconnected")
	var client = WebSocketClient.new()
	client.connect_to_url(option("server", "ws://127.0.0.1:3000/ws"), PoolStringArray(), true)
	get_tree().network_peer = client

func peer_connected(id):
	if id != 1:
		rpc_id(id, "introduce", option("name", "anonymous"))

func peer_disconnected(id):
	print("LEFT ", names.get(id))
	names.erase(id)
	positions.erase(id)
	update()

func _physics_process(delta):
	seconds += delta
	position_of_mine += direction() * SPEED * delta
	update()
	if not positions.empty() or not names.empty():
		rpc_unreliable("move", position_of_mine)

func direction():
	if is_bot:
		return Vector2.RIGHT.rotated(seconds)
	return Vector2(
		Input.get_action_strength("ui_right") - Input.get_action_strength("ui_left"),
		Input.get_action_strength("ui_down") - Input.get_action_strength("ui_up"))

# Called by the others

remote func introduce(name_of_peer):
	names[get_tree().get_rpc_sender_id()] = name_of_peer

remote func move(to):
	var id = get_tree().get_rpc_sender_id()
	if not positions.has(id):
		print("SEES ", names.get(id))
	positions[id] = to

# Drawing

func _draw():
	draw_square(position_of_mine, Color.gold)
	for position in positions.values():
		draw_square(position, Color.cornflower)

func draw_square(center, color):
	draw_rect(Rect2(center - Vector2(16, 16), Vector2(32, 32)), color)

func quit(message):
	print(message)
	get_tree().quit()

func option(name, default):
	for argument in OS.get_cmdline_args():
		if argument.begins_with("--%s=" % name):
			return argument.split("=", true, 1)[1]
	return default
