extends Node
# The lobby of the match example, and the functions that server and players call.
#
#   godot --path examples/match4/godot -- --server=ws://127.0.0.1:3000/ws4/ice --name=Ann

func _ready() -> void:
	multiplayer.connection_failed.connect(leave.bind("disconnected"))
	multiplayer.server_disconnected.connect(leave.bind("disconnected"))
	multiplayer.connected_to_server.connect(func(): enter.rpc_id(1, option("name", "anonymous")))
	var peer := WebSocketMultiplayerPeer.new()
	peer.create_client(option("server", "ws://127.0.0.1:3000/ws4/match"))
	multiplayer.multiplayer_peer = peer

# Functions of the server.

@rpc("any_peer") func enter(_player_name: String) -> void: pass
@rpc("any_peer") func loaded() -> void: pass

# Called by the server.

@rpc func start() -> void:
	add_child(preload("res://match.tscn").instantiate())
	$Lobby.hide()
	loaded.rpc_id(1)

@rpc func over(winner: String) -> void:
	$Lobby.text = "%s wins" % winner
	$Lobby.show()

func leave(message: String) -> void:
	print(message)
	$Lobby.text += "\n" + message
	$Lobby.show()

func option(option_name: String, default: String) -> String:
	for argument in OS.get_cmdline_user_args():
		if argument.begins_with("--%s=" % option_name):
			return argument.split("=", true, 1)[1]
	return default
