import SystemFiles

/// A path as bytes; re-exported, so that users of the library need no other module.
public typealias FilePath = SystemFiles.FilePath
public typealias FileError = SystemFiles.FileError
