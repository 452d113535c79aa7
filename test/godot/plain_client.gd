extends "client.gd"
# A client in plain mode: sends and reports text and binary packets.

func _initialize():
	._initialize()
	forward(socket, "connection_established", ["protocol"])
	forward(socket, "connection_error", [])
	forward(socket, "connection_closed", ["clean"])
	socket.connect("data_received", self, "on_data")

func _idle(delta):
	._idle(delta)
	if socket.get_connection_status() != NetworkedMultiplayerPeer.CONNECTION_DISCONNECTED:
		socket.poll()

func on_data():
	var peer = socket.get_peer(1)
	while peer.get_available_packet_count() > 0:
		var bytes = peer.get_packet()
		report("packet", {"bytes": bytes, "text": peer.was_string_packet()})

# Commands

func run_connect(command):
	return open(command, false)

# bytes, text: true for a text message. Returns Godot's Error.
func run_put_packet(command):
	var peer = socket.get_peer(1)
	peer.set_write_mode(WebSocketPeer.WRITE_MODE_TEXT if command.get("text", false) else WebSocketPeer.WRITE_MODE_BINARY)
	return peer.put_packet(bytes_of(command))
