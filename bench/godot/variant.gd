extends SceneTree
# Measures var2bytes and bytes2var as called by a script: prints a JSON line [[encode, decode], ...], in nanoseconds per
# call. --cases=FILE contains an Array of PoolByteArrays, each an encoded value, as a Variant. --time=MSEC: time per
# case.

var msec := 5.0

func _initialize():
	var cases := []
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

# CPU time of this thread in nanoseconds (Linux); the kernel updates it when the thread pauses.
func processor_time():
	OS.delay_usec(1)
	var file = File.new()
	file.open("/proc/self/schedstat", File.READ)
	var nanoseconds = int(file.get_line().split(" ")[0])
	file.close()
	return nanoseconds

func time_encode(value):
	var count = 64
	while true:
		var start = processor_time()
		for _i in count:
			var2bytes(value)
		var passed = processor_time() - start
		if passed > msec * 1000000:
			return float(passed) / count
		count *= 2

func time_decode(bytes):
	var count = 64
	while true:
		var start = processor_time()
		for _i in count:
			bytes2var(bytes)
		var passed = processor_time() - start
		if passed > msec * 1000000:
			return float(passed) / count
		count *= 2
