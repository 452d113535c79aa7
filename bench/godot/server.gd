extends SceneTree
# Godot's WebSocketServer as a benchmark server, polled continuously: echoes, or relays for the multiplayer API.
# godot3-server --no-window -s server.gd --bench-port=N --bench-mode=echo|relay

# KiB and packets of the input, then of the output buffer.
const BUFFERS = [256, 4096, 256, 4096]

var server := WebSocketServer.new()
var peers := {}

func _initialize():
	var arguments = read_arguments()
	server.callv("set_buffers", BUFFERS)
	server.bind_ip = "127.0.0.1"
	if server.listen(int(arguments.port), PoolStringArray(), arguments.mode == "relay") != OK:
		return quit(1)
	if arguments.mode == "echo":
		server.connect("client_connected", self, "add_peer")
		server.connect("client_disconnected", self, "remove_peer")
	print("READY")
	while true:
		server.poll()
		if arguments.mode == "echo":
			echo()
		else:
			discard()

func read_arguments():
	var arguments := {}
	for argument in OS.get_cmdline_args():
		if argument.begins_with("--bench-"):
			var pair = argument.trim_prefix("--bench-").split("=")
			arguments[pair[0]] = pair[1]
	return arguments

func add_peer(id, _protocol):
	peers[id] = server.get_peer(id)

func remove_peer(id, _was_clean):
	peers.erase(id)

func echo():
	for peer in peers.values():
		while peer.get_available_packet_count() > 0:
			peer.put_packet(peer.get_packet())

# Packets that are relayed to the server itself are not used.
func discard():
	while server.get_available_packet_count() > 0:
		server.get_packet()
