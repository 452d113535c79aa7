extends VBoxContainer
# The menu of a game: how players meet. With --bot it asks for a quick match without a window.

func _ready():
	Lobby.connect("failed", self, "failed")
	get_tree().connect("connected_to_server", self, "show_players")
	get_tree().connect("connection_failed", self, "say", ["This room is full, or does not exist"])
	get_tree().connect("server_disconnected", self, "say", ["The server has gone"])
	for signal_name in ["network_peer_connected", "network_peer_disconnected"]:
		get_tree().connect(signal_name, self, "show_players")
	if "--bot" in OS.get_cmdline_args():
		quick_match()

func quick_match():
	Lobby.quick_match()

func open_room():
	var code = yield(Lobby.open_room({"listed": false}), "completed")
	if code != "":
		say("Tell your friends this code: " + code)

func join(code):
	Lobby.join(code)

func refresh():
	$Rooms.clear()
	for room in yield(Lobby.list_rooms(), "completed"):
		$Rooms.add_item("%s: %d of %d players" % [room.name, room.peers, room.maxPeers])
		$Rooms.set_item_metadata($Rooms.get_item_count() - 1, room.url)

func join_listed(index):
	Lobby.enter($Rooms.get_item_metadata(index))

# Peers are all but oneself, and one of them is the server.
func show_players(_id = 0):
	say("%d players are here" % get_tree().get_network_connected_peers().size())

func failed(status, code):
	say("The lobby responds with %d %s" % [status, code])

func say(text):
	print(text)
	$Status.text = text
