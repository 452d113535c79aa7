extends Node
# Finds rooms and enters them.

# The server refused a request: HTTP status and code, for example 429 and "lobby-rate".
signal failed(status, code)

const LOBBY = "http://127.0.0.1:3000/lobby"
const SOCKET = "ws://127.0.0.1:3000/ws"

# Enters a room whose data has these members, or a new one.
func quick_match(data = {}):
	var room = yield(ask("/match", {"data": data}), "completed")
	if room != null:
		enter(room.url)

# Opens a room and enters it; returns the join code for friends. Options: maxPeers, listed, data.
func open_room(options = {}):
	var room = yield(ask("/rooms", options), "completed")
	if room == null:
		return ""
	enter(room.url)
	return room.name

# The newest rooms: each with name, peers, maxPeers, data and url.
func list_rooms():
	var page = yield(ask("/rooms"), "completed")
	return [] if page == null else page.items

# Enters the room with this join code.
func join(code):
	enter(SOCKET + "/" + code.strip_edges().to_upper())

func enter(url):
	var client = WebSocketClient.new()
	client.connect_to_url(url, PoolStringArray(), true)
	get_tree().network_peer = client

func ask(path, body = null):
	var http = HTTPRequest.new()
	add_child(http)
	var method = HTTPClient.METHOD_GET if body == null else HTTPClient.METHOD_POST
	var text = "" if body == null else to_json(body)
	http.request(LOBBY + path, ["Content-Type: application/json"], true, method, text)
	# [result, status, headers, body]
	var answer = yield(http, "request_completed")
	http.queue_free()
	var value = parse_json(answer[3].get_string_from_utf8())
	if answer[1] == 200 or answer[1] == 201:
		return value
	emit_signal("failed", answer[1], value.code if value is Dictionary else "")
	return null
