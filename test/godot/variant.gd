extends "client.gd"
# Reads and writes Variants with bytes2var and var2bytes, files of them at once: an Array of PoolByteArrays.

# from, to: files; writes what var2bytes makes of what bytes2var reads, value by value; returns how many.
func run_rewrite(command):
	var rewritten := []
	for bytes in read(command.from):
		rewritten.append(var2bytes(bytes2var(bytes)))
	write(command.to, rewritten)
	return rewritten.size()

# bytes: an object reference; returns the id that the stand-in for the object holds.
func run_object_id(command):
	return str(bytes2var(bytes_of(command)).object_id)

# bytes: a value; returns its type and how Godot prints it.
func run_describe(command):
	var value = bytes2var(bytes_of(command))
	return [typeof(value), str(value)]

func read(path):
	var file = File.new()
	file.open(path, File.READ)
	var bytes = file.get_buffer(file.get_len())
	file.close()
	return bytes2var(bytes)

func write(path, value):
	var file = File.new()
	file.open(path, File.WRITE)
	file.store_buffer(var2bytes(value))
	file.close()

# bytes: an object in full; returns what Godot writes for the object it makes of it, as base64.
func run_rewrite_object(command):
	return Marshalls.raw_to_base64(var2bytes(bytes2var(bytes_of(command), true), true))

# class: returns a new object of it in full, as base64.
func run_full_object(command):
	return Marshalls.raw_to_base64(var2bytes(ClassDB.instance(command.class), true))
