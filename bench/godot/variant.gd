extends SceneTree
# Times var2bytes and bytes2var, as a script calls them: prints one JSON line [[encode, decode], ...] in nanoseconds a call.
# --cases=FILE holds an Array of PoolByteArrays, each a value, written as a Variant. --time=MSEC is spent on each.

var cases := []
var msec := 5.0

func _initialize():
	for argument in OS.get_cmdline_args():
		if argument.begins_with("--cases="):
			cases = read(argument.trim_prefix("--cases="))
		if argument.begins_with("--time="):
			msec = float(argument.trim_prefix("--time="))
	var results := []
	for bytes in cases:
		results.append([time_encode(bytes2var(bytes)), time_decode(bytes)])
	print(to_json(results))
	quit()

func read(path):
	var file = File.new()
	file.open(path, File.READ)
	var bytes = file.get_buffer(file.get_len())
	file.close()
	return bytes2var(bytes)

func time_encode(value):
	var count = 64
	while true:
		var start = OS.get_ticks_usec()
		for _i in count:
			var2bytes(value)
		var passed = OS.get_ticks_usec() - start
		if passed > msec * 1000:
			return passed * 1000.0 / count
		count *= 2

func time_decode(bytes):
	var count = 64
	while true:
		var start = OS.get_ticks_usec()
		for _i in count:
			bytes2var(bytes)
		var passed = OS.get_ticks_usec() - start
		if passed > msec * 1000:
			return passed * 1000.0 / count
		count *= 2
