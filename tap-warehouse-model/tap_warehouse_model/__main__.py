"""`python -m tap_warehouse_model` is `tap-warehouse-model`."""

from tap_warehouse_model.tap import TapWarehouseModel

if __name__ == "__main__":
    TapWarehouseModel.cli()
