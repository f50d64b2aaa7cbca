namespace ClusterFs.Configuration.Hocon;

/// <summary>Where something was written.</summary>
/// <param name="File">As the user would name it.</param>
/// <param name="Line">From 1; 0 for the file as a whole.</param>
internal readonly record struct Place(string File, int Line)
{
    public override string ToString() => Line == 0 ? File : $"{File}:{Line}";
}
