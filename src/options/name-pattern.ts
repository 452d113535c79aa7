/**
 * Names of rooms and of nodes, which are segments of URL paths. Case-sensitive. `.` and `..` are no names, as they have
 * another meaning there.
 */
export const namePattern = '^([A-Za-z0-9_.-]{3,64}|\\.?[A-Za-z0-9_-]|[A-Za-z0-9_-][A-Za-z0-9_.-])$'
