extends SceneTree
# Base of all client scripts: a WebSocketClient, and a loopback TCP connection to the test (test/helper/godot.ts).
# Commands are JSON lines {"run": name, ...}, executed by run_<name>(command) and answered in order. Events are reported
# as JSON lines {"event": name, ...}. Byte arrays are base64 strings with the key "bytes".

var socket := WebSocketClient.new()
var control := StreamPeerTCP.new()
var unread := PoolByteArray()

func _initialize():
	for argument in OS.get_cmdline_args():
		if argument.begins_with("--control="):
			control.connect_to_host("127.0.0.1", int(argument.trim_prefix("--control=")))
	while control.get_status() == StreamPeerTCP.STATUS_CONNECTING:
		OS.delay_msec(1)
	control.set_no_delay(true)
	forward(socket, "server_close_request", ["code", "reason"])

func _idle(_delta):
	# The test has ended.
	if control.get_status() != StreamPeerTCP.STATUS_CONNECTED:
		quit(1)
		return
	if control.get_available_bytes() > 0:
		unread.append_array(control.get_data(control.get_available_bytes())[1])
		run_complete_lines()

func run_complete_lines():
	var lines = unread.get_string_from_utf8().split("\n")
	# An incomplete line is kept.
	unread = lines[-1].to_utf8()
	for i in range(lines.size() - 1):
		var command = parse_json(lines[i])
		report("answer", {"result": call("run_" + command.run, command)})

# Commands of all clients

# url, protocols (default []), certificate: trusted PEM file, verify: false to trust any certificate. Returns Godot's
# Error.
func open(command, gd_mp_api):
	socket.verify_ssl = command.get("verify", true)
	if command.has("certificate"):
		socket.trusted_ssl_certificate = X509Certificate.new()
		socket.trusted_ssl_certificate.load(command.certificate)
	return socket.connect_to_url(command.url, PoolStringArray(command.get("protocols", [])), gd_mp_api)

func run_close(command):
	socket.disconnect_from_host(int(command.get("code", 1000)), command.get("reason", ""))

func run_quit(_command):
	quit()

# Reports

func forward(source, signal_name, names):
	source.connect(signal_name, self, "on_signal_%d" % names.size(), [signal_name, names])

func on_signal_0(signal_name, _names):
	report(signal_name)

func on_signal_1(first, signal_name, names):
	report(signal_name, {names[0]: first})

func on_signal_2(first, second, signal_name, names):
	report(signal_name, {names[0]: first, names[1]: second})

func report(event, details = {}):
	var line = {"event": event}
	for key in details:
		line[key] = Marshalls.raw_to_base64(details[key]) if details[key] is PoolByteArray else details[key]
	control.put_data((to_json(line) + "\n").to_utf8())

func bytes_of(command):
	return Marshalls.base64_to_raw(command.bytes) if command.bytes else PoolByteArray()
