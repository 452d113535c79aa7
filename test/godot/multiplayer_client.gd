extends "client.gd"
# A client in multiplayer mode as games use it: the network_peer of the tree, with remote calls on /root/Main.
# With "raw" it does not use MultiplayerAPI: packets are sent and reported unchanged, with their source.

var raw := false

func _initialize():
	._initialize()
	for name in ["connection_succeeded", "connection_failed", "server_disconnected"]:
		forward(socket, name, [])
	for name in ["peer_connected", "peer_disconnected"]:
		forward(socket, name, ["id"])
	forward(self, "connected_to_server", [])
	for name in ["network_peer_connected", "network_peer_disconnected"]:
		forward(self, name, ["id"])
	forward(multiplayer, "network_peer_packet", ["source", "bytes"])
	add_callee("Main")

func _idle(delta):
	._idle(delta)
	# MultiplayerAPI polls unless raw.
	if raw and socket.get_connection_status() != NetworkedMultiplayerPeer.CONNECTION_DISCONNECTED:
		socket.poll()
		while socket.get_available_packet_count() > 0:
			var source = socket.get_packet_peer()
			report("packet", {"source": source, "bytes": socket.get_packet()})

# Adds a node that can be called remotely, at a path below the root; its parent must exist.
func add_callee(path):
	var node = Callee.new()
	node.name = path.get_file()
	node.client = self
	root.get_node(path.get_base_dir() if "/" in path else ".").add_child(node)

# Commands

# Parameters of open(), and raw.
func run_connect(command):
	raw = command.get("raw", false)
	var error = open(command, true)
	if error == OK and not raw:
		network_peer = socket
	return error

func run_state(_command):
	var unique_id = multiplayer.get_network_unique_id() if multiplayer.has_network_peer() else 0
	var peers = multiplayer.get_network_connected_peers() if multiplayer.has_network_peer() else []
	return {
		"id": socket.get_unique_id(), "unique_id": unique_id, "status": socket.get_connection_status(), "peers": peers
	}

func run_send_bytes(command):
	return multiplayer.send_bytes(bytes_of(command), int(command.get("target", 0)))

func run_put_packet(command):
	socket.set_target_peer(int(command.get("target", 0)))
	return socket.put_packet(bytes_of(command))

# method, args (each a Variant as text, as written by var2str), target (default 0), node (default "Main").
func run_rpc(command):
	var args = []
	for arg in command.get("args", []):
		args.append(str2var(arg))
	node_of(command).callv("rpc_id", [int(command.get("target", 0)), command.method] + args)

# property, value (as text), target (default 0), node (default "Main").
func run_rset(command):
	node_of(command).rset_id(int(command.get("target", 0)), command.property, str2var(command.value))

# Adds a node with the script at path, which may use a network_peer of its own; its signals are reported.
func run_add_script(command):
	var node = Node.new()
	node.set_script(load(command.path))
	node.name = "Script"
	root.add_child(node)
	forward(self, "connection_failed", [])
	for name in command.signals:
		forward(node, name, command.signals[name])

# method of the script, args: reported as "completed" with its result, also if it is a coroutine.
func run_call_script(command):
	var result = root.get_node("Script").callv(command.method, command.args)
	if result is GDScriptFunctionState:
		result = yield(result, "completed")
	report("completed", {"result": result})

func run_add_node(command):
	add_callee(command.path)

# node, id of its network master, recursive (default true).
func run_set_master(command):
	node_of(command).set_network_master(int(command.id), bool(command.get("recursive", true)))

# node: the new root of relative paths.
func run_set_root_node(command):
	multiplayer.set_root_node(node_of(command))

func run_network_master(command):
	return node_of(command).get_network_master()

func node_of(command):
	return root.get_node(command.get("node", "Main"))

# One method and one property per RPC mode. Calls are reported with their sender and arguments as written by var2str.
class Callee extends Node:
	const NONE = "<no argument>"
	var client

	func without_mode(a = NONE, b = NONE, c = NONE): called("without_mode", [a, b, c])
	remote func on_remote(a = NONE, b = NONE, c = NONE): called("on_remote", [a, b, c])
	remotesync func on_remotesync(a = NONE, b = NONE, c = NONE): called("on_remotesync", [a, b, c])
	master func on_master(a = NONE, b = NONE, c = NONE): called("on_master", [a, b, c])
	mastersync func on_mastersync(a = NONE, b = NONE, c = NONE): called("on_mastersync", [a, b, c])
	puppet func on_puppet(a = NONE, b = NONE, c = NONE): called("on_puppet", [a, b, c])
	puppetsync func on_puppetsync(a = NONE, b = NONE, c = NONE): called("on_puppetsync", [a, b, c])

	remote var remote_value setget set_remote_value
	master var master_value setget set_master_value
	puppet var puppet_value setget set_puppet_value

	func set_remote_value(value): changed("remote_value", value)
	func set_master_value(value): changed("master_value", value)
	func set_puppet_value(value): changed("puppet_value", value)

	func called(method, parameters):
		var args = []
		for arg in parameters:
			if not (arg is String and arg == NONE):
				args.append(var2str(arg))
		client.report("rpc", {"node": node_path(), "method": method, "source": sender(), "args": args})

	func changed(property, value):
		client.report("rset", {"node": node_path(), "property": property, "source": sender(), "value": var2str(value)})

	func sender():
		return get_tree().get_rpc_sender_id()

	func node_path():
		return str(get_tree().root.get_path_to(self))

# paths: scripts to load; Godot prints their errors.
func run_load_scripts(command):
	for path in command.paths:
		load(path)

# classes: names of the members that each class declares itself.
func run_members(command):
	var members = {}
	for name in command.classes:
		members[name] = names_of(ClassDB.class_get_method_list(name, true))
		members[name] += names_of(ClassDB.class_get_property_list(name, true))
		members[name] += names_of(ClassDB.class_get_signal_list(name, true))
	return members

func names_of(list):
	var names = []
	for entry in list:
		names.append(entry.name)
	return names
