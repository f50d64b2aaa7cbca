using ClusterFs.Guard.Execution;

namespace ClusterFs.Guard.Tests.Execution;

public sealed class ControlGroupTests : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory();

    public void Dispose() => _root.Delete(recursive: true);

    [Fact]
    public void A_unit_is_found_in_the_slice_of_its_template()
    {
        var unit = _root.CreateSubdirectory("system.slice/system-postgresql.slice/postgresql@16-main.service");

        Assert.Equal(unit.FullName, ControlGroup.OfUnit(_root.FullName, "postgresql@16-main.service")?.Directory);
    }

    [Fact]
    public void A_unit_of_the_same_name_within_a_container_is_another_one()
    {
        _ = _root.CreateSubdirectory("machine.slice/container.scope/system.slice/postgresql.service");

        Assert.Null(ControlGroup.OfUnit(_root.FullName, "postgresql.service"));
    }
}
