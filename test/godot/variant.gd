extends "client.gd"
# Decodes and encodes Variants with bytes2var and var2bytes; files contain an Array of PoolByteArrays.

# from, to: files. Decodes and encodes each value; returns their number.
func run_rewrite(command):
	var rewritten := []
	for bytes in read(command.from):
		rewritten.append(var2bytes(bytes2var(bytes)))
	write(command.to, rewritten)
	return rewritten.size()

# bytes: an object reference. Returns the id of its EncodedObjectAsID.
func run_object_id(command):
	return str(bytes2var(bytes_of(command)).object_id)

# bytes: a value. Returns its type and Godot's text for it.
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

# bytes: a serialized object. Returns Godot's serialization of the decoded object as base64.
func run_rewrite_object(command):
	return Marshalls.raw_to_base64(var2bytes(bytes2var(bytes_of(command), true), true))

# class: returns a serialized new object of this class as base64.
func run_full_object(command):
	return Marshalls.raw_to_base64(var2bytes(ClassDB.instance(command.class), true))
