import SystemFiles

/// A path as bytes; a library's user needs no other module for it.
public typealias FilePath = SystemFiles.FilePath
public typealias FileError = SystemFiles.FileError
