/** The form page of `/example/`: its list is live. Without this script it is right when loaded. */
import { ExampleSocket } from './example-socket.ts';
import { ItemsTable } from './items-table.ts';

const body = document.getElementById('items');
if (body !== null) {
  const table = new ItemsTable(body);
  new ExampleSocket({
    traffic: () => {},
    connected: () => {},
    message: ({ items }) => {
      if (items !== undefined) table.show(items);
    },
  });
}
